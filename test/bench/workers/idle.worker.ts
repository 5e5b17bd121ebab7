/** A Worker that answers and holds nothing: the floor of what a process of workerd needs. */
export default {
  fetch(): Response {
    return new Response('ok')
  },
}
