/** What math libraries read at their start; each would otherwise take every core. */
export function threadEnv(threads: number): Record<string, string> {
  const count = String(threads)
  return { OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count }
}
