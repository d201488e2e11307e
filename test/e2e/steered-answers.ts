/** A real HTTP server that keeps each probe waiting until the test says what it is answered: so that answers come one by one, as steps of a path. */
import type { ServerResponse } from 'node:http'
import type { ProbeName } from '../../src/types.ts'
import { serve } from '../effects/probe/harness.ts'
import { until } from './harness.ts'

export class SteeredAnswers {
  readonly #waiting = new Map<string, ServerResponse>()
  #port = 0
  #hangUp: () => void = () => {}

  /** Closed when the test is over. */
  static async listen(): Promise<SteeredAnswers> {
    const answers = new SteeredAnswers()
    const { port, connections } = await serve(({ url = '' }, response) => answers.#keep(url, response))
    answers.#port = port
    answers.#hangUp = () => {
      for (const connection of connections) connection.destroy()
    }
    return answers
  }

  /** With the run as a template: what an earlier run was asked is never answered in the place of a later one. */
  urlOf(id: string, probe: ProbeName): string {
    return `http://127.0.0.1:${this.#port}${pathOf(id, '${run}', probe)}`
  }

  /** Answers the next one that asks, or who waits already. */
  async answer(id: string, run: number, probe: ProbeName, status: number): Promise<void> {
    const path = pathOf(id, run, probe)
    const response = await until(`${path} is asked`, () => this.#waiting.get(path))
    this.#waiting.delete(path)
    response.writeHead(status).end()
  }

  /** Nobody is waiting any more: for when those who asked are dead. */
  forget(): void {
    this.#hangUp()
    this.#waiting.clear()
  }

  #keep(path: string, response: ServerResponse): void {
    this.#waiting.set(path, response)
    response.once('close', () => {
      if (this.#waiting.get(path) === response) this.#waiting.delete(path)
    })
  }
}

function pathOf(id: string, run: number | string, probe: ProbeName): string {
  return `/${id}/${run}/${probe}`
}
