import { CurateError } from '../pipelines/core/errors.ts'

/** Where datasets go unless somebody says otherwise. */
export const PUBLIC_HUB = 'https://huggingface.co'

/**
 * The address of the Hub: of the recipe, else of HF_ENDPOINT, else the public one. A recipe may come from anybody, and the
 * token goes where it points: an address that only the recipe names must be the public Hub or on this machine.
 */
export function hubEndpoint(ofRecipe: string | null, ofUser: string | null): string {
  const user = ofUser === null ? null : normalize(ofUser, 'HF_ENDPOINT')
  if (ofRecipe === null) return user ?? PUBLIC_HUB
  const named = normalize(ofRecipe, 'publish.endpoint')
  if (named === user || isPublicHub(named) || isThisMachine(named)) return named
  throw new CurateError('untrusted_endpoint', `the recipe would send your token to ${named}`, {
    hint: `If you trust that address, say so with HF_ENDPOINT=${named}; otherwise remove publish.endpoint from the recipe.`,
  })
}

function normalize(address: string, from: string): string {
  if (URL.canParse(address)) {
    const { protocol, origin, pathname, username, password } = new URL(address)
    const isPlain = ['https:', 'http:'].includes(protocol) && username === '' && password === ''
    if (isPlain) return `${origin}${pathname}`.replace(/\/+$/, '')
  }
  throw new CurateError('bad_endpoint', `${from} is no address of a Hub`, {
    hint: 'Give an address such as https://huggingface.co, without user or password.',
  })
}

function isPublicHub(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' && (hostname === 'huggingface.co' || hostname.endsWith('.huggingface.co'))
}

function isThisMachine(address: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address).hostname)
}
