import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mergeCards } from '../../exports/card/managed-sections.ts'
import { PUBLIC_HUB, hubEndpoint } from '../../exports/hub-endpoint.ts'
import { describeHub, findHubToken } from '../../exports/hub-token.ts'
import { openHub } from '../../exports/huggingface.ts'
import type { LocalFile } from '../../exports/publication-plan.ts'
import { planWithoutHub, publishDataset } from '../../exports/publisher.ts'
import type { PublicationRequest, PublicationResult } from '../../exports/publisher.ts'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { CurateError } from '../core/errors.ts'
import { sha256, sha256OfFile } from '../core/hash.ts'
import { packageVersion } from '../core/package-root.ts'
import { datasetFiles } from '../core/records/dataset-file.ts'
import { publications, publishedFiles } from '../core/records/publication.ts'
import { MISSING_SHARD, rejects } from '../core/records/reject.ts'
import type { ShardKey, Stage, StageContext, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import { DATASET_FOLDER } from './export.ts'
import type { Recipe } from './recipe.ts'

type Context = StageContext<Recipe, undefined>
type Publish = NonNullable<Recipe['publish']>

const EXPORT: ShardKey = { stage: 'export', shard: 'all' }

/** Brings a dataset repository on the Hub to the state of the export, and records what was sent, or would be. */
export const publishStage: Stage<Recipe> = {
  name: 'publish',
  version: 2,
  unit: 'files',
  tables: [publications, publishedFiles],
  concurrency: () => 1,
  plan({ publish }, world) {
    if (publish === null) return []
    // Whether an incomplete dataset may go out changes nothing of one that is complete.
    const { allow_partial: _, ...config } = publish
    const external = { is_dry_run: isDryRun(publish, world), endpoint: publish.endpoint ?? world.hub?.endpoint ?? null }
    return [{ stage: 'publish', shard: 'all', config, external, inputs: [EXPORT] }]
  },
  async *run(context) {
    const { publish } = context.recipe
    if (publish === null) return
    await requireWhole(publish, context)
    const files = await localFiles(context)
    context.progress.expect(files.length)
    const { publication, files: published } = await send(publish, files, context)
    yield rowOf(publications, publication)
    for (const file of published) yield rowOf(publishedFiles, file)
  },
}

/** What a plan of the stage must know of the user's environment; nothing where the recipe publishes nowhere. */
export async function hubFacts({ publish }: Pick<Recipe, 'publish'>): Promise<Pick<World, 'hub'>> {
  return publish === null ? {} : { hub: await describeHub() }
}

function isDryRun({ dry_run }: Publish, { hub }: World): boolean {
  return dry_run ?? hub?.hasToken !== true
}

async function requireWhole({ allow_partial }: Publish, context: Context): Promise<void> {
  const missing: string[] = []
  for await (const { reason, record_id } of context.read(rejects)) if (reason === MISSING_SHARD) missing.push(record_id)
  if (missing.length === 0 || allow_partial) return
  throw new CurateError('partial_dataset', `the dataset is not whole: ${missing.join(', ')} could not be made`, {
    hint: 'Repair the failures and run again, or set publish.allow_partial to true.',
  })
}

// What is sent must be what export wrote: people will take the hashes of the rows for it.
async function localFiles(context: Context): Promise<LocalFile[]> {
  const files: LocalFile[] = []
  for await (const { path, num_bytes, sha256 } of context.read(datasetFiles)) {
    const localPath = join(context.inputDirectory(EXPORT), DATASET_FOLDER, path)
    const found = await sha256OfFile(localPath).catch(() => null)
    if (found !== sha256) {
      throw new CurateError('shard_corrupt', `${localPath} is not the file that export wrote`, {
        hint: 'It was changed or damaged after it was finished. Run with --stage export --force, then publish.',
      })
    }
    files.push({ path, localPath, numBytes: num_bytes, sha256 })
  }
  return files
}

// The card is text that people edit where it is published: what they wrote goes into the one that is sent.
function cardMerger(files: readonly LocalFile[], context: Context): (published: string | null) => Promise<LocalFile> {
  return async (published) => {
    const card = files.find(({ path }) => path === 'README.md')
    if (card === undefined) throw new TypeError('the dataset has no card')
    const text = mergeCards(published, await readFile(card.localPath, 'utf8'))
    const localPath = join(context.cacheDirectory, `publish-${context.recipe.name}`, 'README.md')
    await writeFileAtomic(localPath, text)
    return { path: card.path, localPath, numBytes: Buffer.byteLength(text), sha256: sha256(text) }
  }
}

async function send(publish: Publish, files: readonly LocalFile[], context: Context): Promise<PublicationResult> {
  const ofUser = context.world.hub?.endpoint ?? null
  const request: PublicationRequest = {
    place: { repo: publish.repo, branch: publish.branch },
    visibility: publish.private ? 'private' : 'public',
    files,
    mode: publish.mode,
    tag: publish.tag,
    mergeCard: cardMerger(files, context),
    title: `Publish ${context.recipe.name} with curate ${packageVersion}`,
    isDryRun: isDryRun(publish, context.world),
    onProgress: (numFiles) => context.progress.advance(numFiles),
  }
  const token = await findHubToken()
  if (token !== null) {
    return publishDataset(openHub(hubEndpoint(publish.endpoint, ofUser), token, context.signal), request)
  }
  if (request.isDryRun) return planWithoutHub(publish.endpoint ?? ofUser ?? PUBLIC_HUB, request)
  throw new CurateError('hub_token_missing', `publishing to ${publish.repo} needs a token of the Hub`, {
    hint: 'Set HF_TOKEN, log in with the Hub’s own command line, or set publish.dry_run to true.',
  })
}
