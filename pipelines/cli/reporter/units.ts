/** A duration as people write it: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const rounded = Math.round(seconds)
  if (rounded < 120) return `${rounded} s`
  const minutes = Math.floor(rounded / 60)
  if (minutes < 120) return `${minutes} min ${rounded % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How many a second, or a minute where that is less than one: `12/s`, `3.4/s`, `20/min`. */
export function formatRate(perSecond: number): string {
  if (perSecond < 1) return `${(perSecond * 60).toFixed(perSecond < 1 / 6 ? 1 : 0)}/min`
  return `${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`
}

/** A size in powers of 1000: `12 kB`, `3.4 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? 'B'}`
}

/** A count with thousands separated by spaces, and a plural. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${String(count).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ' ')} ${count === 1 ? singular : plural}`
}
