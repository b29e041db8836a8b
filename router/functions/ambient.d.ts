/** The bundle of a function, as the wrapper sees it inside workerd. */
declare module 'function.js' {
  export const routes: unknown
  const handler: unknown
  export default handler
}
