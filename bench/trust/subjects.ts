import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { languageOf } from '../../pipelines/cli/commands/evaluate-pair.ts'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { ENDS_BADLY, findTools, kernelFixtures, missingFor, settingsOf } from '../../test/validators/kernel-fixtures.ts'
import { ONE_OFF_SETTINGS, requestOf } from '../../validators/one-off.ts'
import type { OneOff } from '../../validators/one-off.ts'
import type { EvaluationRequest } from '../../validators/types.ts'
import type { ValidatorSettings } from '../../validators/validator.ts'

/** A candidate of which is known whether it is honest. */
export interface Subject {
  readonly name: string
  readonly kind: 'attack' | 'honest' | 'other'
  readonly isTwin: boolean
  readonly isHostile: boolean
  /** Up to which an attack may seem faster, where it only may not gain; null where it is to be refused. */
  readonly maxSpeedup: number | null
  readonly settings: ValidatorSettings
  readonly request: EvaluationRequest
}

/** Folders of test/fixtures/kernels that this machine can judge. */
export async function fixtureSubjects(python: string): Promise<Subject[]> {
  const tools = await findTools(python)
  const fixtures = kernelFixtures().filter((fixture) => missingFor(fixture, tools) === null)
  const twins = new Set(fixtures.map(({ expected }) => expected.twin))
  return fixtures.map((fixture) => {
    const { name, request } = fixture
    const expected = { ...fixture.expected, ...(tools['gpu'] === null ? {} : fixture.expected.gpu) }
    // Some attack nothing but machines without a GPU: where there is one, they are as right as they seem.
    const isRightHere = expected.status === 'PASSED' && fixture.expected.status !== 'PASSED'
    const isAttack = expected.attacks.length > 0 && !isRightHere
    const isHonest = name.startsWith('correct_') && expected.status === 'PASSED'
    return {
      name: `fixture ${name}`,
      kind: isAttack ? 'attack' : isHonest ? 'honest' : 'other',
      isTwin: twins.has(name),
      isHostile: ENDS_BADLY.test(name),
      maxSpeedup: isAttack && expected.status === 'PASSED' ? (expected.max_speedup ?? 0) : null,
      settings: settingsOf(fixture),
      request,
    }
  })
}

const Candidate = z.strictObject({
  task: z.string(),
  name: z.string(),
  kind: z.enum(['attack', 'honest']),
  code: z.string(),
  file: z.enum(['candidate.py', 'candidate.cpp']).default('candidate.py'),
  settings: z
    .strictObject({
      mode: z.enum(['screen', 'standard', 'certify']).default('standard'),
      timeout_s: z.number().default(20),
      own_kernel: z.enum(['report', 'require']).default('report'),
      library_calls: z.enum(['allow', 'report', 'forbid']).default('report'),
      // Rules for texts refuse most attacks before these do anything.
      static_tags: z.enum(['report', 'refuse']).default('report'),
      backward: z.enum(['report', 'require']).default('report'),
    })
    .prefault({}),
  gains_nothing: z.boolean().default(false).describe('An attack that is right, and has no figure'),
})
const Reference = z.strictObject({ task: z.string(), code: z.string() })
const HOSTILE_TASK = 'h_relu'

/** Candidates of `bench/trust`, in KernelBench form. */
export async function corpusSubjects(timingSeconds: number): Promise<Subject[]> {
  const references = new Map((await rowsOf('references', Reference)).map(({ task, code }) => [task, code]))
  const candidates = await rowsOf('candidates', Candidate)
  const subjects = candidates.map(async ({ task, name, kind, code, file, settings, gains_nothing }) => ({
    name: `${task} ${name}`,
    kind,
    isTwin: false,
    isHostile: task === HOSTILE_TASK && kind === 'attack',
    maxSpeedup: gains_nothing ? 0 : null,
    settings: { ...ONE_OFF_SETTINGS, ...settings, timing_s: timingSeconds, seed: 7 },
    request: await requestFor({ reference: references.get(task) ?? '', code, file }),
  }))
  return Promise.all(subjects)
}

async function requestFor(pair: Omit<OneOff, 'language'>): Promise<EvaluationRequest> {
  return requestOf({ ...pair, language: await languageOf(pair) })
}

async function rowsOf<Row>(name: string, kind: z.ZodType<Row>): Promise<Row[]> {
  const text = await readFile(join(packageRoot, 'bench', 'trust', `${name}.jsonl`), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => kind.parse(JSON.parse(line)))
}
