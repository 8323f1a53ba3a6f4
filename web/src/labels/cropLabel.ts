/** Position of the first label on a sheet: the SVG of the server has one group for each label. */
const groupPosition = /<g transform="translate\(([\d.]+) ([\d.]+)\)">/

/** firstLabelBox returns the viewBox of the first label of a sheet, or undefined if the SVG has none. */
export function firstLabelBox(svg: string, width: number, height: number): string | undefined {
  const match = groupPosition.exec(svg)
  return match ? `${match[1]} ${match[2]} ${width} ${height}` : undefined
}
