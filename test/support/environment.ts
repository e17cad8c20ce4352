/** What a program that a test starts gets of our environment: where programs lie, and where Node keeps what it compiled. */
export const bareEnvironment = {
  PATH: process.env.PATH ?? '',
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
}
