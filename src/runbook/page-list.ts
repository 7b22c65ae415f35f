/** Page numbers, for people: "page 7", "pages 7, 9 and 3 more". Pure. */

/** Chosen: a line of the screen holds them, and whoever wants all of them reads --json. */
const shown = 8

export function pageList(pages: readonly number[]): string {
  const named = pages.slice(0, shown).join(', ')
  const more = pages.length - shown
  return `${pages.length === 1 ? 'page' : 'pages'} ${more > 0 ? `${named} and ${more} more` : named}`
}
