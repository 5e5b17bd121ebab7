import { describe, expect, it } from 'vitest'
import { isHost, requestPath } from '../../../edge/control/request-path.ts'

const of = (path: string) => requestPath(`https://shop.example${path}`)

describe('requestPath', () => {
  it('parts path and query, and leaves both as they came', () => {
    expect(of('/a/b?c=/../d')).toEqual({ raw: '/a/b?c=/../d', path: '/a/b' })
    expect(of('/?')).toEqual({ raw: '/?', path: '/' })
    expect(of('')).toEqual({ raw: '/', path: '/' })
    expect(of('?x=1')).toEqual({ raw: '/?x=1', path: '/' })
  })

  it('removes dot segments in any spelling, as fetch would later', () => {
    for (const path of ['/a/../b', '/a/%2e%2E/b', '/./b', '/a/.%2e/b', '/%2e/b', '/a\\..\\b', '/../../b']) {
      expect(of(path), path).toEqual({ raw: '/b', path: '/b' })
    }
  })

  it('decodes for matching what needed no encoding, and only that', () => {
    expect(of('/p%61y%2Fx%c3%a9%7e').path).toBe('/pay%2Fx%C3%A9~')
    expect(of('/p%61y').raw).toBe('/p%61y')
    expect(of('/100%').path).toBe('/100%')
  })

  it('works with any scheme, port and host', () => {
    expect(requestPath('http://h/x').path).toBe('/x')
    expect(requestPath('http://[::1]:8080/x?y').raw).toBe('/x?y')
  })
})

describe('isHost', () => {
  it('takes names, addresses and ports, and nothing that would begin another part of a URL', () => {
    for (const host of [null, 'shop.example', 'shop.example:80', '192.0.2.1', '[2001:db8::1]:80'])
      expect(isHost(host)).toBe(true)
    for (const host of ['a/b', 'a?b', 'a#b', 'u@a', 'a\\b', 'a b', 'a\tb']) expect(isHost(host)).toBe(false)
  })
})
