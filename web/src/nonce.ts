/** nonce is what the server lets this page's styles through with. A browser hides it from the attribute, not from the property. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
}

// Mantine's dialogs stop the page behind them from scrolling by a library with a style of its own, which looks for its nonce there.
Object.assign(globalThis, { __webpack_nonce__: nonce() })
