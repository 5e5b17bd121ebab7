import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Draws an SVG file as PNG with the machine's Chromium. @returns false when there is none, or it failed */
export async function drawPng(svgFile: string, pngFile: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(':')
  const browser = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  )
  if (browser === undefined) return false
  const profile = mkdtempSync(join(tmpdir(), 'atlas-chromium-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--window-size=1200,800']
  try {
    await promisify(execFile)(
      browser,
      [...flags, `--user-data-dir=${profile}`, `--screenshot=${pngFile}`, `file://${svgFile}`],
      { timeout: 30_000 },
    )
    return existsSync(pngFile)
  } catch {
    return false
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 })
  }
}
