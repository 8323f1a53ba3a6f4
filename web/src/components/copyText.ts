import { toast } from './toast'

/** copyText copies a text to the clipboard and reports the result. name is what the text is, such as "Barcode". */
export async function copyText(name: string, text: string) {
  try {
    await navigator.clipboard.writeText(text) // undefined unless the page is a secure context
    toast(`${name} copied`)
  } catch {
    toast(`${name} could not be copied: ${text}`, 'error')
  }
}
