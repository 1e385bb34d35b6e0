import { CurateError } from '../pipelines/core/errors.ts'
import type { Publication, PublishedFile } from '../pipelines/core/records/publication.ts'
import type { Hub, HubOperation, HubPlace, PullRequest } from './huggingface.ts'
import { planPublication } from './publication-plan.ts'
import type { LocalFile } from './publication-plan.ts'

/** What to publish, and where. */
export interface PublicationRequest {
  readonly place: HubPlace
  /** Of a repository that has to be made; one that exists keeps its own. */
  readonly visibility: 'private' | 'public'
  readonly files: readonly LocalFile[]
  /** First line of the commits. */
  readonly title: string
  /** `pull_request` leaves the branch as it is and proposes the change. Default `commit`. */
  readonly mode?: 'commit' | 'pull_request'
  /** Name for the commit, such as a version; none by default. */
  readonly tag?: string | null
  /** The card with what people wrote into the published one; without it the card replaces theirs. */
  readonly mergeCard?: (published: string | null) => Promise<LocalFile>
  /** Plan, and send nothing. */
  readonly isDryRun: boolean
  /** Told after each commit how many files it changed. */
  readonly onProgress?: (numFiles: number) => void
}

/** What was done, or would be. */
export interface PublicationResult {
  readonly publication: Publication
  readonly files: readonly PublishedFile[]
}

/**
 * Brings a repository to the state of the local files, and reads back that it is. Each commit names its parent: where
 * somebody else committed meanwhile, the plan is made again on what is there now, never forced over it. What an earlier,
 * interrupted publication uploaded is found by its hash and not sent again.
 */
export async function publishDataset(hub: Hub, request: PublicationRequest): Promise<PublicationResult> {
  const user = await hub.whoAmI()
  if (!request.isDryRun) await prepare(hub, request)
  const parent = await currentHead(hub, request)
  const plan = await planOn(hub, request, parent)
  const { files } = plan
  if (request.isDryRun) return { publication: describe(hub, request, files, { ...NOTHING_SENT, parent }), files }
  await requireFreeTag(hub, request, plan, parent)
  const sent = await commitAll(hub, request, requireHead(parent, request), user)
  await verify(hub, request, sent.head)
  if (request.tag != null) await hub.tag(request.place.repo, sent.head, request.tag)
  return { publication: describe(hub, request, files, { ...sent, parent }), files }
}

// A version that is out stays what it is: its name goes to no other commit, and that is said before anything is sent.
async function requireFreeTag(
  hub: Hub,
  { tag = null, place }: PublicationRequest,
  plan: Plan,
  parent: string | null,
): Promise<void> {
  const named = tag === null ? null : await hub.head({ repo: place.repo, branch: tag })
  if (named === null || (named === parent && !hasChanges(plan))) return
  throw new CurateError('hub_tag_taken', `${place.repo} has a tag ${tag} already, of commit ${named.slice(0, 12)}`, {
    hint: 'Name the next version in publish.tag, or null for none; or delete the tag on the Hub.',
  })
}

/** The plan of a publication nobody asked the Hub about: every file is new. */
export async function planWithoutHub(endpoint: string, request: PublicationRequest): Promise<PublicationResult> {
  const files = await planPublication(request.files, [])
  return { publication: describe({ endpoint }, request, files, NOTHING_SENT), files }
}

interface Sent {
  readonly parent: string | null
  readonly head: string | null
  readonly numCommits: number
  readonly pullRequest: string | null
}

const NOTHING_SENT: Sent = { parent: null, head: null, numCommits: 0, pullRequest: null }

async function prepare(hub: Hub, { place, visibility }: PublicationRequest): Promise<void> {
  if (!(await hub.exists(place.repo))) await hub.createRepo(place.repo, visibility)
  if ((await hub.head(place)) === null) await hub.createBranch(place)
}

async function currentHead(hub: Hub, { place }: PublicationRequest): Promise<string | null> {
  return (await hub.exists(place.repo)) ? hub.head(place) : null
}

function requireHead(head: string | null, { place }: PublicationRequest): string {
  if (head !== null) return head
  throw new CurateError('hub_no_branch', `${place.repo} has no branch ${place.branch}, and none could be made`, {
    hint: 'Make the branch on the Hub, or change publish.branch in the recipe.',
  })
}

interface Plan {
  readonly files: readonly PublishedFile[]
  /** What is to be there: the files of the request, the card with what people wrote. */
  readonly local: readonly LocalFile[]
}

function hasChanges({ files }: Plan): boolean {
  return files.some(({ action }) => action !== 'keep')
}

async function planOn(hub: Hub, request: PublicationRequest, revision: string | null): Promise<Plan> {
  const local = await withCard(hub, request, revision)
  const { repo } = request.place
  return { files: await planPublication(local, revision === null ? [] : await hub.list(repo, revision)), local }
}

async function withCard(hub: Hub, request: PublicationRequest, revision: string | null): Promise<readonly LocalFile[]> {
  const { mergeCard, files, place } = request
  if (mergeCard === undefined) return files
  const published = revision === null ? null : await hub.read(place.repo, revision, CARD)
  const card = await mergeCard(published)
  return files.map((file) => (file.path === CARD ? card : file))
}

const CARD = 'README.md'

// The Hub asks for 50 to 100 files a commit: https://huggingface.co/docs/hub/storage-limits
const MAX_OPERATIONS = 50

// Times in a row that somebody else's commit may come between a plan and its commit.
const MAX_PLANS = 5

async function commitAll(
  hub: Hub,
  request: PublicationRequest,
  parent: string,
  user: string,
): Promise<{ head: string; numCommits: number; pullRequest: string | null }> {
  let numCommits = 0
  let { head, place, pullRequest } = await whereToCommit(hub, request, parent, user)
  for (let plans = 1; plans <= MAX_PLANS; plans += 1) {
    const { files, local } = await planOn(hub, request, head)
    const changes = files.filter(({ action }) => action !== 'keep')
    let isStale = false
    while (changes.length > 0 && !isStale) {
      const batch = changes.splice(0, MAX_OPERATIONS)
      const operations = toOperations(batch, local)
      if (request.mode === 'pull_request' && pullRequest === null) {
        const opened = await openPullRequest(hub, request, head, operations, user)
        place = { ...place, branch: opened.branch }
        pullRequest = opened.url
        head = opened.commit
        numCommits += 1
        request.onProgress?.(batch.length)
        continue
      }
      const committed = await hub.commit(place, head, request.title, operations)
      isStale = committed === null
      if (committed === null) continue
      head = committed
      numCommits += 1
      plans = 1
      request.onProgress?.(batch.length)
    }
    if (!isStale) return { head, numCommits, pullRequest }
    head = requireHead(await hub.head(place), request)
  }
  throw new CurateError('hub_busy', `${request.place.repo} changes faster than it can be committed to`, {
    hint: 'Find out what else writes to the repository, and run the same command again: what was uploaded is kept.',
    retryable: true,
  })
}

// A pull request that an earlier run opened takes what is still missing: one that was killed opens no second one.
async function whereToCommit(hub: Hub, request: PublicationRequest, head: string, user: string) {
  const { place, mode, title } = request
  const isProposed = mode === 'pull_request' && hasChanges(await planOn(hub, request, head))
  const open = isProposed ? await hub.findPullRequest(place.repo, user, title) : null
  if (open === null) return { head, place, pullRequest: null }
  return { head: open.commit, place: { ...place, branch: open.branch }, pullRequest: open.url }
}

// Times that a pull request is asked for where no answer came and none is there.
const MAX_OPENINGS = 3

async function openPullRequest(
  hub: Hub,
  { place, title }: PublicationRequest,
  head: string,
  operations: readonly HubOperation[],
  user: string,
): Promise<PullRequest> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await hub.openPullRequest(place, head, title, operations)
    } catch (error) {
      if (!(error instanceof CurateError) || !error.retryable) throw error
      const opened = await hub.findPullRequest(place.repo, user, title)
      if (opened !== null) return opened
      if (attempt === MAX_OPENINGS) throw error
    }
  }
}

function toOperations(batch: readonly PublishedFile[], files: readonly LocalFile[]): HubOperation[] {
  const places = new Map(files.map(({ path, localPath }) => [path, localPath]))
  return batch.map(({ path }) => {
    const localPath = places.get(path)
    return localPath === undefined ? { path, delete: true } : { path, localPath }
  })
}

async function verify(hub: Hub, request: PublicationRequest, head: string): Promise<void> {
  const wrong = (await planOn(hub, request, head)).files.filter(({ action }) => action !== 'keep')
  if (wrong.length === 0) return
  const names = wrong.slice(0, 3).map(({ path }) => path)
  throw new CurateError('hub_not_as_sent', `commit ${head} does not hold what was sent: ${names.join(', ')}`, {
    hint: 'Run the same command again; if it stays so, report it with the log file of the run.',
    retryable: true,
  })
}

function describe(
  { endpoint }: Pick<Hub, 'endpoint'>,
  { place, isDryRun, tag = null }: PublicationRequest,
  files: readonly PublishedFile[],
  { parent, head, numCommits, pullRequest }: Sent,
): Publication {
  const count = (action: PublishedFile['action']): number => files.filter((file) => file.action === action).length
  const sent = files.filter(({ action }) => action === 'add' || action === 'update')
  return {
    ...place,
    endpoint,
    dry_run: isDryRun,
    commit_oid: head,
    pull_request: pullRequest,
    tag: head === null ? null : tag,
    parent_oid: parent,
    num_commits: numCommits,
    num_added: count('add'),
    num_updated: count('update'),
    num_deleted: count('delete'),
    num_unchanged: count('keep'),
    num_bytes: sent.reduce((sum, { num_bytes }) => sum + num_bytes, 0),
  }
}
