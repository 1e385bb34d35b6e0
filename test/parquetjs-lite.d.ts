declare module 'parquetjs-lite' {
  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>
    getCursor(): { next(): Promise<Record<string, unknown> | null> }
    getRowCount(): { valueOf(): number }
    close(): Promise<void>
  }
}
