/** Text widths from the metrics of Helvetica and Arial, so that pictures need no font at hand and come out the same everywhere. */

const WIDTHS = new Map([
  ...[..."ijl'|"].map((char) => [char, 0.24]),
  ...[...' ftI.,:/[]()-'].map((char) => [char, 0.31]),
  ...[...'rcksvxyzJ'].map((char) => [char, 0.5]),
  ...[...'mMW'].map((char) => [char, 0.86]),
  ...[...'ABCDEFGHKNOPQRSUVXYZw'].map((char) => [char, 0.72]),
])

/** An estimate on the generous side; bold text is wider. */
export function textWidth(text, size, bold = false) {
  const units = [...text].reduce((sum, char) => sum + (WIDTHS.get(char) ?? 0.57), 0)
  return Math.ceil(units * size * (bold ? 1.1 : 1.03))
}
