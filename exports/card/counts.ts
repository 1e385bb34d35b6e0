/** How often each value was seen. */
export type Counts = Map<string, number>

export function count(counts: Counts, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1)
}

/** Counts, most frequent first, equal ones by name. */
export function ranked(counts: Counts): [string, number][] {
  return [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}
