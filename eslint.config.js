/** What biome cannot see without types: a promise that nobody waits for, and one that is taken for a value. All else is biome's. */
import { parser, plugin } from 'typescript-eslint'

// biome-ignore lint/style/noDefaultExport: eslint reads its configuration from the default export
export default [
  // kernel/ is AssemblyScript, which its own compiler reads.
  { ignores: ['dist/', 'kernel/', '.oracles/', '**/*.js', '**/*.mjs'] },
  {
    files: ['**/*.ts'],
    languageOptions: { parser, parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@typescript-eslint': plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  {
    // A test's own server may answer with an async function: what it throws ends the test.
    files: ['test/**/*.ts', '**/*.test.ts'],
    rules: { '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }] },
  },
]
