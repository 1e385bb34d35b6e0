import { z } from 'zod'

/** How requests are sent. */
export interface HubAccess {
  readonly endpoint: string
  readonly token: string
  readonly send: typeof fetch
  /** The error that an answer other than success is. */
  readonly refusal: (response: Response) => Error
}

/** What the Hub's library has no call for. */
export interface HubRequests {
  /** The text of a small file; null where the revision has none of that name. */
  read(repo: string, revision: string, path: string): Promise<string | null>
  /** Names a commit; that the name is taken already is no error. */
  tag(repo: string, revision: string, name: string): Promise<void>
  /** The number of the newest open pull request of an author with a title; null where there is none. */
  pullRequestNumber(repo: string, author: string, title: string): Promise<number | null>
}

export function hubRequests({ endpoint, token, send, refusal }: HubAccess): HubRequests {
  function requireOk(response: Response): void {
    if (!response.ok) throw refusal(response)
  }
  const authorized = { Authorization: `Bearer ${token}` }
  return {
    async read(repo, revision, path) {
      const response = await send(`${endpoint}/datasets/${repo}/resolve/${revision}/${path}`, { headers: authorized })
      if (response.status === 404) return null
      requireOk(response)
      return response.text()
    },
    async tag(repo, revision, name) {
      const response = await send(`${endpoint}/api/datasets/${repo}/tag/${revision}`, {
        method: 'POST',
        headers: { ...authorized, 'Content-Type': 'application/json' },
        body: JSON.stringify({ tag: name }),
      })
      if (response.status !== 409) requireOk(response)
    },
    // As `get_repo_discussions` of huggingface_hub asks. The newest come first, and one page is enough for what is still open.
    async pullRequestNumber(repo, author, title) {
      const query = new URLSearchParams({ type: 'pull_request', status: 'open', author }).toString()
      const response = await send(`${endpoint}/api/datasets/${repo}/discussions?${query}`, { headers: authorized })
      requireOk(response)
      const { discussions } = Discussions.parse(await response.json())
      const own = discussions.filter(
        (each) => each.isPullRequest && each.status === 'open' && each.title === title && each.author?.name === author,
      )
      return own.length === 0 ? null : Math.max(...own.map(({ num }) => num))
    },
  }
}

const Discussions = z.object({
  discussions: z.array(
    z.object({
      num: z.int(),
      title: z.string(),
      status: z.string(),
      isPullRequest: z.boolean(),
      author: z.object({ name: z.string() }).optional(),
    }),
  ),
})
