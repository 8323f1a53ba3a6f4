import { defineConfig } from '@playwright/test'

// The journeys run in Debian's headless Chromium against the real server. No browser is downloaded.
export default defineConfig({
  testDir: 'e2e',
  testMatch: '*.journey.ts',
  outputDir: 'e2e/tmp/results',
  globalSetup: './e2e/globalSetup.ts',
  workers: 2, // each starts two servers, which its journeys share
  timeout: 60_000,
  globalTimeout: 50 * 60_000,
  expect: { timeout: 10_000 },
  // A busy machine can slow the browser down; a journey that passes on retry is reported as flaky.
  retries: process.env.CI ? 1 : 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    },
    viewport: { width: 1280, height: 800 },
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'on-first-retry', // costs a tenth of the time; without retries, use --trace on
  },
})
