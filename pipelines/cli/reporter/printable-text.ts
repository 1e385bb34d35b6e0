// What a terminal obeys instead of showing: C0 and C1 controls but for line feed, tab and the colours that are written here
// (https://ecma-international.org/publications-and-standards/standards/ecma-48/), and what turns the direction of text around.
const OBEYED =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /\u001b\[[\d;]*m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Text that may hold what strangers wrote, so that a terminal shows all of it and obeys none: an escape becomes `\x1b`. */
export function printableText(text: string): string {
  return text.replaceAll(OBEYED, (found) => (found.length > 1 ? found : escaped(found)))
}

/** The same of a name: one line, and no longer than a name is. */
export function printableName(name: string): string {
  const line = printableText(name.slice(0, MAX_NAME).replaceAll('\n', '\\n'))
  return name.length > MAX_NAME ? `${line}…` : line
}

const MAX_NAME = 200

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16)
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
}
