/**
 * The name a mistyped one most likely meant: one that it begins or that begins it, or the nearest by edit distance;
 * null where none is close (a distance of over a third of its length).
 */
export function nearestName(wrong: string, names: readonly string[]): string | null {
  const begun = names.find((name) => name.length > 1 && (name.startsWith(wrong) || wrong.startsWith(name)))
  if (begun !== undefined && wrong.length > 1) return begun
  let best: { name: string; distance: number } | null = null
  for (const name of names) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase())
    if (best === null || distance < best.distance) best = { name, distance }
  }
  if (best === null) return null
  return best.distance <= Math.max(2, Math.floor(wrong.length / 3)) ? best.name : null
}

// Levenshtein distance, one row of the table at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution))
    }
    row = next
  }
  return row[b.length] ?? 0
}
