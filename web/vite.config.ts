import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

// The Go server embeds dist/ and fills in two placeholders of index.html at each request: __NONCE__, and __STATIC__, the folder's name with the
// digest of all that is in it. So files keep their names from build to build, and can still be cached for ever.
const serverPlaceholders: Plugin = {
  name: 'server-placeholders',
  apply: 'build',
  transformIndexHtml: { order: 'post', handler: (html) => html.replaceAll('./static/', '__STATIC__/').replaceAll(' crossorigin', '') },
}

const proxyTarget = { target: process.env.LABLEDGER ?? 'http://127.0.0.1:5000' }

export default defineConfig({
  base: './', // modules find each other from where they are
  html: { cspNonce: '__NONCE__' },
  plugins: [react(), serverPlaceholders],
  build: {
    outDir: 'dist',
    assetsDir: 'static',
    assetsInlineLimit: 0, // the policy of the page knows no data:
    cssCodeSplit: false,
    target: 'es2023',
    reportCompressedSize: false, // budget.mjs tells
    rolldownOptions: {
      output: {
        entryFileNames: 'static/app.js',
        chunkFileNames: 'static/[name].js',
        assetFileNames: 'static/app[extname]',
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/api/', '/auth/', '/account', '/upload', '/media/', '/docs', '/readyz'].map((path) => [path, proxyTarget])),
  },
})
