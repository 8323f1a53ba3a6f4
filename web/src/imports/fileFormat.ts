const delimiters = [',', ';', '\t']

/** detectDelimiter returns the most frequent delimiter in the header, outside quotes, like the server. */
export async function detectDelimiter(file: Blob): Promise<string> {
  const start = await file.slice(0, 1 << 16).text()
  const header = /[^\r\n]+/.exec(start.replace(/^\ufeff/, ''))?.[0].replaceAll(/"[^"]*("|$)/g, '') ?? ''
  const count = (delimiter: string) => header.split(delimiter).length
  return delimiters.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best))
}

/** Files that are often chosen instead of text, by their first bytes; see foreignFormats in api/rest/bulk_text.go. */
const foreignFormats: [start: number[], message: string][] = [
  [[0x1f, 0x8b], 'is a gzip file. Unpack the file first.'],
  [[0x50, 0x4b, 3, 4], 'is a spreadsheet (.xlsx, .ods) or a ZIP archive. Save the sheet as CSV.'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'is a spreadsheet (.xls). Save the sheet as CSV.'],
  [[0xff, 0xfe], 'is UTF-16 text. Save the file as UTF-8.'],
  [[0xfe, 0xff], 'is UTF-16 text. Save the file as UTF-8.'],
]

/** findForeignFormat says what a file is that is no text, and what to do; undefined for text. */
export async function findForeignFormat(file: Blob): Promise<string | undefined> {
  const start = [...new Uint8Array(await file.slice(0, 4).arrayBuffer())]
  if (start.slice(0, 2).includes(0)) return 'is UTF-16 text. Save the file as UTF-8.'
  return foreignFormats.find(([bytes]) => bytes.every((byte, i) => start[i] === byte))?.[1]
}
