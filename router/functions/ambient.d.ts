/** The package publishes no types: where its program is, and the newest compatibility date the program knows. */
declare module 'workerd' {
  const workerd: { readonly default: string; readonly compatibilityDate: string; readonly version: string }
  export default workerd
}

/** The bundle of a function, as the wrapper sees it inside workerd. */
declare module 'function.js' {
  export const routes: unknown
  const handler: unknown
  export default handler
}
