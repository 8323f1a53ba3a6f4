import { defineConfig } from '@playwright/test'

// The journeys drive Debian's Chromium against the real server; no browser is downloaded.
export default defineConfig({
  testDir: 'e2e',
  testMatch: '*.journey.ts',
  outputDir: 'e2e/tmp/results',
  globalSetup: './e2e/globalSetup.ts',
  workers: 1, // they share the two servers
  timeout: 60_000,
  globalTimeout: 40 * 60_000,
  expect: { timeout: 10_000 },
  retries: process.env.CI ? 1 : 0, // a browser on a busy machine; what failed once is listed, what fails twice is red
  forbidOnly: Boolean(process.env.CI),
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    },
    viewport: { width: 1280, height: 800 },
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
  },
})
