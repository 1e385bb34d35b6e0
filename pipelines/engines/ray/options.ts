import { z } from 'zod'
import { STAGE_NAMES } from '../../core/stage.ts'

/** Options of the engine `ray`, as `--engine-set` sets them. */
export const RayOptions = z.strictObject({
  address: z
    .url()
    .default(() => process.env['RAY_API_SERVER_ADDRESS'] ?? 'http://127.0.0.1:8265')
    .describe('Address of the dashboard of the head; RAY_API_SERVER_ADDRESS without'),
  stages: z
    .array(z.enum(STAGE_NAMES))
    .default(['mine', 'pair', 'validate'])
    .describe(
      'Stages whose shards run on the cluster; the others run here: they are one shard, or need keys that stay here',
    ),
  package: z
    .enum(['upload', 'shared'])
    .default('upload')
    .describe(
      '`upload` sends the program, and nodes install what it needs once; `shared` runs it where it lies here, on a shared folder',
    ),
  store: z
    .string()
    .regex(/^s3:\/\/[a-z0-9.-]+(\/.*)?$/, 's3://BUCKET/PREFIX')
    .nullable()
    .default(null)
    .describe('Object storage that brings shards to the nodes and back; null where they share the work directory'),
  python: z.string().default('python3').describe('Python of the head that has Ray'),
  cpus: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Cores of one station; null for 1, or half of those that come with its GPU'),
  gpus: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe('GPUs of one station; null for 1 where kernels are judged and the cluster has any'),
  stations: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Stations at a time; null for as many as nodes have room for'),
  builds_for: z
    .string()
    .regex(/^sm_\d{2,3}$/, 'an architecture such as sm_90')
    .nullable()
    .default(null)
    .describe(
      'Architecture of the GPUs, such as `sm_90`: tasks on any free core then compile for them ahead of the judges; null for the cores of their own nodes alone',
    ),
  retries: z
    .int()
    .min(0)
    .default(3)
    .describe('How often a shard is tried again after its process or its node was lost'),
  silence_s: z
    .number()
    .positive()
    .default(30)
    .describe(
      'Seconds after which a station that answers nothing counts as lost: a frozen machine, which Ray itself gives up after a minute',
    ),
  shard_timeout_s: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Seconds after which a shard counts as lost; null for no limit'),
})
export type RayOptions = z.infer<typeof RayOptions>
