import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))

/** @type {import('next').NextConfig} */
const config = {
  reactStrictMode: true,
  poweredByHeader: false,
  // Several servers may run from one checkout; each then has a folder of its own.
  distDir: process.env.NEXT_DIST_DIR || '.next',
  // The project is its own root, whatever lock files lie in folders above it.
  turbopack: { root },
  outputFileTracingRoot: root,
  // These load parts of themselves at run time and must not be bundled.
  serverExternalPackages: ['@prisma/client', '@prisma/adapter-pg', 'pg', 'pino'],
  // `npm run check` compiles the whole project, strictly; the build does not do it a second time.
  typescript: { ignoreBuildErrors: true },
  // Nothing here needs pictures made smaller, and what is not there cannot be asked to fetch any.
  images: { unoptimized: true },
  // Built files do not pass src/proxy.ts.
  headers: async () => [
    {
      source: '/_next/:path*',
      headers: [
        { key: 'x-content-type-options', value: 'nosniff' },
        { key: 'cross-origin-resource-policy', value: 'same-origin' },
        { key: 'referrer-policy', value: 'no-referrer' },
      ],
    },
  ],
  // Server-sent events must leave at once; a proxy in front may compress.
  compress: false,
}

export default config
