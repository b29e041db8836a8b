import { type FSWatcher, statSync, watch } from 'node:fs'

/** Tells when something happens in a set of folders, not below them. May miss events: poll beside it. */
export type FolderWatch = {
  /** Watches exactly these from now on; one that does not exist is left out until it is named again. */
  watch(folders: ReadonlySet<string>): void
  close(): void
}

/** Calls `happened` for every event, in bursts. */
export function watchFolders(happened: () => void): FolderWatch {
  const watched = new Map<string, Watched>()
  const forget = (folder: string): void => {
    watched.get(folder)?.watcher.close()
    watched.delete(folder)
  }
  return {
    watch(folders) {
      for (const folder of watched.keys()) if (!folders.has(folder)) forget(folder)
      for (const folder of folders) {
        // A folder that was removed and made again has the old one's name, but the old one's watcher says nothing.
        const inode = inodeOf(folder)
        if (watched.get(folder)?.inode === inode) continue
        forget(folder)
        if (inode !== undefined) add(folder, inode)
      }
    },
    close() {
      for (const folder of watched.keys()) forget(folder)
    },
  }

  function add(folder: string, inode: number): void {
    try {
      const watcher = watch(folder, { persistent: false }, happened)
      watcher.on('error', () => forget(folder))
      watched.set(folder, { watcher, inode })
    } catch {
      // It is gone again, or the system has no watches left: the poll finds its changes.
    }
  }
}

type Watched = { readonly watcher: FSWatcher; readonly inode: number }

function inodeOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.ino
}
