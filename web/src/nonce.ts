/** nonce is what the server lets this page's styles through with. A browser hides it from the attribute, not from the property. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
}
