// Writes the parts of AES that a bitsliced kernel spends its time in as straight-line AssemblyScript. A byte of the state is eight
// vectors, one for each bit, lowest first; a bit of a vector belongs to one of 128 keys.

type Gate = readonly [to: string, left: string, operation: string, right: string]

// Inversion in GF(2^8) over GF(2^4), the linear layers before and after it shared as far as they go (Boyar and Peralta, "A new
// combinational logic minimization technique with applications to cryptology", SEA 2010): 115 gates, u0 and s0 the highest bits. The
// four complements of the affine part are left out: this is the S-box + 0x63, and the round keys make up for it.
const SBOX = `
y14=u3+u5 y13=u0+u6 y9=u0+u3 y8=u0+u5 t0=u1+u2 y1=t0+u7 y4=y1+u3 y12=y13+y14 y2=y1+u0 y5=y1+u6 y3=y5+y8 t1=u4+y12 y15=t1+u5
y20=t1+u1 y6=y15+u7 y10=y15+t0 y11=y20+y9 y7=u7+y11 y17=y10+y11 y19=y10+y8 y16=t0+y11 y21=y13+y16 y18=u0+y16
t2=y12*y15 t3=y3*y6 t4=t3+t2 t5=y4*u7 t6=t5+t2 t7=y13*y16 t8=y5*y1 t9=t8+t7 t10=y2*y7 t11=t10+t7 t12=y9*y11 t13=y14*y17
t14=t13+t12 t15=y8*y10 t16=t15+t12 t17=t4+t14 t18=t6+t16 t19=t9+t14 t20=t11+t16 t21=t17+y20 t22=t18+y19 t23=t19+y21 t24=t20+y18
t25=t21+t22 t26=t21*t23 t27=t24+t26 t28=t25*t27 t29=t28+t22 t30=t23+t24 t31=t22+t26 t32=t31*t30 t33=t32+t24 t34=t23+t33
t35=t27+t33 t36=t24*t35 t37=t36+t34 t38=t27+t36 t39=t29*t38 t40=t25+t39 t41=t40+t37 t42=t29+t33 t43=t29+t40 t44=t33+t37
t45=t42+t41
z0=t44*y15 z1=t37*y6 z2=t33*u7 z3=t43*y16 z4=t40*y1 z5=t29*y7 z6=t42*y11 z7=t45*y17 z8=t41*y10 z9=t44*y12 z10=t37*y3 z11=t33*y4
z12=t43*y13 z13=t40*y5 z14=t29*y2 z15=t42*y9 z16=t45*y14 z17=t41*y8
t46=z15+z16 t47=z10+z11 t48=z5+z13 t49=z9+z10 t50=z2+z12 t51=z2+z5 t52=z7+z8 t53=z0+z3 t54=z6+z7 t55=z16+z17 t56=z12+t48
t57=t50+t53 t58=z4+t46 t59=z3+t54 t60=t46+t57 t61=z14+t57 t62=t52+t58 t63=t49+t58 t64=z4+t59 t65=t61+t62 t66=z1+t63 s0=t59+t63
s6=t56+t62 s7=t48+t60 t67=t64+t65 s3=t53+t66 s4=t51+t66 s5=t47+t65 s1=t64+s3 s2=t55+t67
`
const sbox: readonly Gate[] = [...SBOX.matchAll(/(\w+)=(\w+)([+*])(\w+)/g)].map(([, to, left, operation, right]) => [
  to!,
  left!,
  operation!,
  right!,
])

const BITS = [0, 1, 2, 3, 4, 5, 6, 7] as const
const ROWS = [0, 1, 2, 3] as const
const VECTOR = 16
const BYTE = 8 * VECTOR

const load = (from: string, at: number): string => `v128.load(${from}, ${at})`
const store = (to: string, value: string, at: number): string => `v128.store(${to}, ${value}, ${at})`
const sum = (terms: readonly string[]): string => terms.reduce((left, right) => `v128.xor(${left}, ${right})`)
const functionOf = (signature: string, lines: readonly string[]): string =>
  `export function ${signature}: void {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`

/** One byte through the S-box. */
function substitute(): string {
  const gate = ([to, left, operation, right]: Gate) =>
    `const ${to} = v128.${operation === '+' ? 'xor' : 'and'}(${left}, ${right})`
  return functionOf('substitute(from: usize, to: usize)', [
    ...BITS.map((bit) => `const u${7 - bit} = ${load('from', VECTOR * bit)}`),
    ...sbox.map(gate),
    ...BITS.map((bit) => store('to', `s${7 - bit}`, VECTOR * bit)),
  ])
}

/** Twice `name`, bit by bit: x^8 = x^4 + x^3 + x + 1. */
const doubled = (name: string, bit: number): string[] =>
  bit === 0 ? [`${name}7`] : [`${name}${bit - 1}`, ...([1, 3, 4].includes(bit) ? [`${name}7`] : [])]

/** MixColumns of a column and the round key: row r is 2 (a + b) + b + c + d of the rows from r on. */
function mix(): string {
  const lines = [7, 0, 1, 2, 3, 4, 5, 6].flatMap((bit) => [
    ...ROWS.map((row) => `const a${row}_${bit} = ${load('from', BYTE * row + VECTOR * bit)}`),
    ...ROWS.map((row) => `const p${row}_${bit} = v128.xor(a${row}_${bit}, a${(row + 1) % 4}_${bit})`),
    ...(bit === 7 ? [] : out(bit)),
  ])
  function out(bit: number): string[] {
    return ROWS.map((row) => {
      const key = load('key', BYTE * row + VECTOR * bit)
      const terms = [...doubled(`p${row}_`, bit), `a${(row + 1) % 4}_${bit}`, `p${(row + 2) % 4}_${bit}`, key]
      return store('to', sum(terms), BYTE * row + VECTOR * bit)
    })
  }
  return functionOf('mix(from: usize, key: usize, to: usize)', [...lines, ...out(7)])
}

/** One row of MixColumns, from the rows a, b, c, d in its order, and its byte of the round key. */
function mixRow(): string {
  const lines = [7, 0, 1, 2, 3, 4, 5, 6].flatMap((bit) => [
    `const b${bit} = ${load('b', VECTOR * bit)}`,
    `const p${bit} = v128.xor(${load('a', VECTOR * bit)}, b${bit})`,
    ...(bit === 7 ? [] : [out(bit)]),
  ])
  function out(bit: number): string {
    const rest = ['c', 'd', 'key'].map((name) => load(name, VECTOR * bit))
    return store('to', sum([...doubled('p', bit), `b${bit}`, ...rest]), VECTOR * bit)
  }
  return functionOf('mixRow(a: usize, b: usize, c: usize, d: usize, key: usize, to: usize)', [...lines, out(7)])
}

/** What one byte in row `row` adds to its column: twice, once, once and three times itself, from that row on. */
function spread(): string {
  const place = (turn: number) => `((row + ${turn}) & 3) * ${BYTE}`
  const lines = [
    ...BITS.map((bit) => `const x${bit} = ${load('from', VECTOR * bit)}`),
    ...ROWS.map((turn) => `const at${turn} = <usize>(${place(turn)})`),
    ...BITS.flatMap((bit) => {
      const twice = doubled('x', bit)
      const terms = [twice, [`x${bit}`], [`x${bit}`], [...twice, `x${bit}`]]
      return ROWS.map((turn) =>
        store(`to + at${turn}`, sum([...terms[turn]!, load(`base + at${turn}`, VECTOR * bit)]), VECTOR * bit),
      )
    }),
  ]
  return functionOf('spread(from: usize, row: i32, base: usize, to: usize)', lines)
}

/** The AssemblyScript of the S-box and of MixColumns, for 128 keys at once. */
export const aesRounds = (): string => [substitute(), mix(), mixRow(), spread()].join('\n')
