import { type FSWatcher, watch } from 'node:fs'

/** Tells when something happens in a set of folders, not below them. May miss events: poll beside it. */
export type FolderWatch = {
  /** Watches exactly these from now on. */
  watch(folders: ReadonlySet<string>): void
  close(): void
}

/** Calls `happened` for every event, in bursts. */
export function watchFolders(happened: () => void): FolderWatch {
  const watchers = new Map<string, FSWatcher>()
  const forget = (folder: string): void => {
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }
  return {
    watch(folders) {
      for (const folder of watchers.keys()) if (!folders.has(folder)) forget(folder)
      for (const folder of folders) {
        if (watchers.has(folder)) continue
        try {
          const watcher = watch(folder, { persistent: false }, happened)
          watcher.on('error', () => forget(folder))
          watchers.set(folder, watcher)
        } catch {
          // It is gone again, or the system has no watches left: the poll finds its changes.
        }
      }
    },
    close() {
      for (const folder of watchers.keys()) forget(folder)
    },
  }
}
