/**
 * A Markdown code block. Text may hold a fence itself; a longer one around it keeps the block whole (CommonMark 0.31,
 * section 4.5).
 */
export function fenced(name: string, content: string): string {
  let longest = 2
  for (const [run] of content.matchAll(/`{3,}/g)) longest = Math.max(longest, run.length)
  const fence = '`'.repeat(longest + 1)
  return `${fence}${name}\n${content.replace(/\n+$/, '')}\n${fence}`
}
