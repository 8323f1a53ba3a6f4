/** nonce returns the CSP nonce for the styles of this page. Browsers hide the attribute, but not the property. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
}

// Mantine's dialogs lock scrolling with a library that adds a style element and reads its nonce from this global.
Object.assign(globalThis, { __webpack_nonce__: nonce() })
