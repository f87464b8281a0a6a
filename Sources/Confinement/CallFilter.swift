import CNamespaces

/// A seccomp filter (seccomp(2)): what becomes of a program's system calls before the kernel looks at them.
public struct CallFilter: Sendable {
  /// The instructions; they are for x86-64.
  let instructions: [sock_filter]

  /// An answer of the filter.
  private enum Answer {
    static let allow: UInt32 = 0x7FFF_0000
    static let trace: UInt32 = 0x7FF0_0000
    /// `SECCOMP_RET_ERRNO` with `ENOSYS`.
    static let missing: UInt32 = 0x0005_0000 | 38
  }

  /// `AUDIT_ARCH_X86_64`.
  private static let architecture: UInt32 = 0xC000_003E
  /// Numbers from here on are those of x32.
  private static let foreign: UInt32 = 0x4000_0000

  /// A call that is traced only when an argument has one of these bits.
  public struct Flagged: Sendable {
    let number, argument: Int
    let bits: UInt32

    /// The call `number`, by its argument of that index.
    public init(_ number: Int, argument: Int, bits: UInt32) {
      (self.number, self.argument, self.bits) = (number, argument, bits)
    }
  }

  /// A call that is traced only when an argument is one of these values.
  public struct Selected: Sendable {
    let number, argument: Int
    let values: [UInt32]

    /// The call `number`, by its argument of that index; up to 100 values.
    public init(_ number: Int, argument: Int, values: [UInt32]) {
      (self.number, self.argument, self.values) = (number, argument, values)
    }
  }

  /// Calls in `missing`, and all of another architecture, do not exist; those in the other lists stop for the tracer.
  public init(missing: [Int], traced: [Int], flagged: [Flagged], selected: [Selected]) {
    // Offsets in `struct seccomp_data`: number, architecture, and the lower half of the first argument.
    let (number, architecture, argument) = (UInt32(0), UInt32(4), UInt32(16))
    var code = [
      Self.load(architecture), Self.jump(0x15, Self.architecture, then: 1, otherwise: 0),
      Self.answer(Answer.missing), Self.load(number),
      Self.jump(0x35, Self.foreign, then: 0, otherwise: 1), Self.answer(Answer.missing),
    ]
    for call in missing { code += [Self.unless(UInt32(call)), Self.answer(Answer.missing)] }
    for call in flagged {
      code += [
        Self.jump(0x15, UInt32(call.number), then: 0, otherwise: 4),
        Self.load(argument + UInt32(call.argument) * 8),
        Self.jump(0x45, call.bits, then: 0, otherwise: 1), Self.answer(Answer.trace),
        Self.answer(Answer.allow),
      ]
    }
    for call in selected {
      let length = UInt8(2 + call.values.count * 2)
      code += [
        Self.jump(0x15, UInt32(call.number), then: 0, otherwise: length),
        Self.load(argument + UInt32(call.argument) * 8),
      ]
      for value in call.values { code += [Self.unless(value), Self.answer(Answer.trace)] }
      code.append(Self.answer(Answer.allow))
    }
    for call in traced { code += [Self.unless(UInt32(call)), Self.answer(Answer.trace)] }
    instructions = code + [Self.answer(Answer.allow)]
  }

  private static func load(_ offset: UInt32) -> sock_filter {
    sock_filter(code: 0x20, jt: 0, jf: 0, k: offset)
  }
  private static func answer(_ value: UInt32) -> sock_filter {
    sock_filter(code: 0x06, jt: 0, jf: 0, k: value)
  }

  private static func jump(_ code: UInt16, _ value: UInt32, then: UInt8, otherwise: UInt8) -> sock_filter {
    sock_filter(code: code, jt: then, jf: otherwise, k: value)
  }

  /// The next instruction counts when the value is this one.
  private static func unless(_ value: UInt32) -> sock_filter { jump(0x15, value, then: 0, otherwise: 1) }
}
