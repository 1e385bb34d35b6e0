/** What candidates may differ in, for quotas and diversity, each as SQL over facts. */
export const AXES = {
  operator_family: 'operator_family',
  fusion_depth: `CASE WHEN num_operators <= 1 THEN '1' WHEN num_operators <= 3 THEN '2-3' WHEN num_operators <= 7 THEN '4-7'
    WHEN num_operators IS NOT NULL THEN '8+' END`,
  language: 'language',
  shape_class: 'shape_class',
  memory_access: 'memory_access',
  parallelism: 'parallelism',
  precision: 'precision',
  origin: 'origin',
  generator: 'generator',
  source: 'source',
  arl_bin: 'arl_bin',
} as const

export type Axis = keyof typeof AXES
