/**
 * A reasoning as it goes between `<think>` tags: without the pair that some models' outputs already have around it. One
 * that holds such a tag elsewhere has no place there: a trainer would cut the conversation at the wrong point.
 */
export function thoughtOf(reasoning: string | null): { text: string | null } | { reason: string; detail: string } {
  if (reasoning === null) return { text: null }
  const text = reasoning
    .trim()
    .replace(/^<think>/, '')
    .replace(/<\/think>$/, '')
    .trim()
  if (text === '') return { text: null }
  const tag = /<\/?think>/.exec(text)
  if (tag === null) return { text }
  return { reason: 'reasoning_has_tags', detail: `${tag[0]} at character ${tag.index} of the reasoning` }
}

/** An answer that begins with the thought that led to it, between the tags that models of this field are trained on. */
export function withThought(thought: string | null, answer: string): string {
  return thought === null ? answer : `<think>\n${thought}\n</think>\n\n${answer}`
}
