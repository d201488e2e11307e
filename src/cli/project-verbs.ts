/** The verbs of projects: a config file, and the manager that keeps what it says. */
import type { Verbs } from './verbs.ts'

export function addProjectVerbs(_verbs: Verbs): void {}
