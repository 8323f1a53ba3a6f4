import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

// The Go server embeds dist/ and replaces three placeholders of index.html: __NONCE__; __BASE__, the path below which a
// proxy publishes the server; and __STATIC__, the URL of the files, which has a digest of their content. File names stay
// the same in every build, and files can be cached forever.
const serverPlaceholders: Plugin = {
  name: 'server-placeholders',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (html) =>
      html
        .replaceAll('./static/', '__STATIC__/')
        .replaceAll(' crossorigin', '')
        .replace('</head>', '<meta name="base-path" content="__BASE__"></head>'),
  },
}

const proxyTarget = { target: process.env.LABLEDGER ?? 'http://127.0.0.1:5000' }

export default defineConfig({
  base: './', // modules import each other by relative paths
  html: { cspNonce: '__NONCE__' },
  plugins: [react(), serverPlaceholders],
  build: {
    outDir: 'dist',
    assetsDir: 'static',
    assetsInlineLimit: 0, // the content security policy does not allow data: URLs
    cssCodeSplit: false,
    target: 'es2023',
    reportCompressedSize: false, // budget.mjs reports it
    rolldownOptions: {
      output: {
        entryFileNames: 'static/app.js',
        chunkFileNames: 'static/[name].js',
        assetFileNames: ({ names }) =>
          names.some((name) => name.endsWith('.woff2')) ? 'static/[name][extname]' : 'static/app[extname]',
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      ['/api/', '/auth/', '/account', '/upload', '/media/', '/docs', '/readyz'].map((path) => [path, proxyTarget]),
    ),
  },
})
