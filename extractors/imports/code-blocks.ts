/** A fenced block of a Markdown text. */
export interface CodeBlock {
  /** What follows the opening fence, lower case: `python`. */
  readonly info: string
  readonly text: string
  /** False where the text ends before the fence that closes it. */
  readonly isComplete: boolean
}

/** The fenced code blocks of a text, in order: https://spec.commonmark.org/0.31.2/#fenced-code-blocks */
export function findCodeBlocks(text: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { fence: string; indent: number; info: string; lines: string[] } | null = null
  for (const line of text.split(/\r?\n/)) {
    if (open === null) {
      const [, indent = '', fence = '', info = ''] = OPENING.exec(line) ?? []
      if (fence !== '') open = { fence, indent: indent.length, info: info.trim().toLowerCase(), lines: [] }
    } else if (closes(line, open.fence)) {
      blocks.push({ info: open.info, text: asText(open.lines), isComplete: true })
      open = null
    } else open.lines.push(withoutIndent(line, open.indent))
  }
  if (open !== null) blocks.push({ info: open.info, text: asText(open.lines), isComplete: false })
  return blocks
}

const OPENING = /^( {0,3})(`{3,}|~{3,})([^`]*)$/

function closes(line: string, fence: string): boolean {
  const [, closing = ''] = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line) ?? []
  return closing.startsWith(fence)
}

function withoutIndent(line: string, indent: number): string {
  const spaces = line.length - line.trimStart().length
  return line.slice(Math.min(indent, spaces))
}

function asText(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}
