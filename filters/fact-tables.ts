import { join } from 'node:path'
import { quotePath } from '../pipelines/core/duckdb.ts'
import type { Database } from '../pipelines/core/duckdb.ts'
import { openParquet } from '../pipelines/core/parquet.ts'
import type { ParquetRow } from '../pipelines/core/parquet.ts'
import { DATASET_FACTS, candidateFacts } from '../pipelines/core/records/candidate-facts.ts'
import { CLUSTER_COLUMNS, writeClusters } from './clusters/clusters.ts'
import { SIGNATURE_COLUMNS } from './clusters/signatures.ts'
import { datasetFactsQuery } from './facts/dataset-facts.ts'

/** Facts on their way from candidates to a table that queries read. */
export interface FactTables {
  /** Takes the facts of one candidate and its signatures; candidates of a task come together. */
  add(row: ParquetRow): Promise<void>
  /** Adds what follows from all candidates together, and gives the file of the whole, in order of candidate id. */
  complete(): Promise<string>
}

/** Opens the tables in `directory`, which exists. Nothing is in memory but ids and signatures while clusters are made. */
export function openFactTables(database: Database, directory: string): FactTables {
  const own = join(directory, 'own-facts.parquet')
  const clusters = join(directory, 'clusters.parquet')
  const whole = join(directory, 'facts.parquet')
  const sink = openParquet(own, [...OWN_COLUMNS, ...SIGNATURE_COLUMNS])
  return {
    add: (row) => sink.write(row),
    async complete() {
      const numRows = await sink.close()
      const clusterSink = openParquet(clusters, CLUSTER_COLUMNS)
      await writeClusters(own, numRows, clusterSink)
      await clusterSink.close()
      const names = candidateFacts.columns.map(({ name }) => name)
      const isShared = new Set<string>(DATASET_FACTS)
      const selected = names.map((name) => (isShared.has(name) ? `shared.${name}` : `own.${name}`))
      // Narrow columns alone are ordered: signatures would not fit.
      await database.run(
        `CREATE OR REPLACE TABLE shared_facts AS ${datasetFactsQuery(tableOf(own), tableOf(clusters))}`,
      )
      await database.run(`COPY (SELECT ${selected.join(', ')} FROM ${tableOf(own)} own
        JOIN shared_facts shared ON shared.candidate_id = own.candidate_id ORDER BY own.candidate_id)
        TO ${quotePath(whole)} (FORMAT parquet, ROW_GROUP_SIZE 50000)`)
      await database.run('DROP TABLE shared_facts')
      return whole
    },
  }
}

const OWN_COLUMNS = candidateFacts.columns.filter(({ name }) => !DATASET_FACTS.some((shared) => shared === name))

/** A file as a table expression. */
export function tableOf(path: string): string {
  return `read_parquet(${quotePath(path)})`
}
