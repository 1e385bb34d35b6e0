import { parse } from 'yaml'
import { z } from 'zod'
import { renderYaml } from '../yaml-text.ts'

/** A part of the card that is written anew with every publication; what stands outside of such parts belongs to people. */
export function managed(name: string, content: string): string {
  return `${begin(name)}\n${content}\n${end(name)}`
}

/**
 * The card to publish: the generated one, with what people wrote into the published one. Managed parts take their new content where
 * they stand now, a part that people removed stays away, parts of configs that are gone go, those of new configs come at the end. Of the
 * front matter the generated keys win, lists are joined, and keys of people stay. Merging twice changes nothing more.
 */
export function mergeCards(published: string | null, generated: string): string {
  if (published === null || !published.includes(begin(''))) return generated
  const [ofPeople, ours] = [divide(published), divide(generated)]
  const parts = partsOf(ours.body)
  const kept = ofPeople.body.replaceAll(PART, (_whole, name: string, _content: string, space: string) => {
    const part = parts.get(name)
    return part === undefined ? '' : managed(name, part) + space
  })
  const known = new Set(partsOf(ofPeople.body).keys())
  const added = [...parts].filter(([name]) => name.startsWith('columns-') && !known.has(name))
  const body = [kept.trimEnd(), ...added.map(([name, part]) => managed(name, part))]
  return `---\n${renderYaml(mergeFrontMatter(ofPeople.yaml, ours.yaml))}---\n${body.join('\n\n')}\n`
}

function begin(name: string): string {
  return `<!-- curate:begin ${name}`.trimEnd() + (name === '' ? '' : ' -->')
}

function end(name: string): string {
  return `<!-- curate:end ${name} -->`
}

const PART = /<!-- curate:begin ([\w-]+) -->\n([\s\S]*?)\n<!-- curate:end \1 -->(\n*)/g

function partsOf(body: string): Map<string, string> {
  return new Map([...body.matchAll(PART)].map(([, name = '', content = '']) => [name, content]))
}

const FrontMatter = z.record(z.string(), z.unknown())

// A front matter that somebody broke counts as none: the generated one replaces it.
function divide(card: string): { yaml: Record<string, unknown>; body: string } {
  const [, yaml = '', body = card] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(card.replaceAll('\r\n', '\n')) ?? []
  try {
    return { yaml: FrontMatter.catch({}).parse(parse(yaml, { maxAliasCount: 0 })), body }
  } catch {
    return { yaml: {}, body }
  }
}

// What these say is of the files, and not for people to add to.
const OURS_ALONE = new Set(['configs', 'dataset_info', 'size_categories'])

function mergeFrontMatter(ofPeople: Record<string, unknown>, ours: Record<string, unknown>): Record<string, unknown> {
  const own = Object.entries(ours).map(([key, value]) => {
    const other = ofPeople[key]
    if (OURS_ALONE.has(key) || !Array.isArray(value) || !Array.isArray(other)) return [key, value]
    return [key, [...new Set<unknown>([...value, ...other])]]
  })
  return {
    ...Object.fromEntries(own),
    ...Object.fromEntries(Object.entries(ofPeople).filter(([key]) => !(key in ours))),
  }
}
