import ArchiveIO
import Glibc
import SystemPackage

#if arch(x86_64)
  /// The smallest machine that KVM can run: one processor in 64-bit mode, and 64 KiB of memory (Linux' documentation, `virt/kvm/api.rst`).
  enum VirtualProcessor {
    /// How often the loop goes round.
    static let rounds: UInt32 = 200_000

    /// The calls, as `linux/kvm.h` numbers them.
    private enum Call {
      static let version: UInt = 0xAE00
      static let createMachine: UInt = 0xAE01
      static let stateSize: UInt = 0xAE04
      static let createProcessor: UInt = 0xAE41
      static let setMemory: UInt = 0x4020_AE46
      static let run: UInt = 0xAE80
      static let setRegisters: UInt = 0x4090_AE82
      static let getSystemRegisters: UInt = 0x8138_AE83
      static let setSystemRegisters: UInt = 0x4138_AE84
    }

    private static let memorySize = 0x10000
    private static let codeAddress = 0x4000
    /// `KVM_EXIT_IO`.
    private static let exitedForPort: UInt32 = 2

    /// Whether the loop comes to its end, which is writing to a port, within the limits of `KVMProbe`.
    ///
    /// - Throws: `FileError` with the call that the kernel refused.
    static func runLoop(on device: Int32) throws(FileError) -> Bool {
      let version = ioctl(device, Call.version, 0)
      guard version == 12 else { throw FileError("version \(version) of KVM", "KVM", .notSupported) }
      let machine = try check("creating a machine", ioctl(device, Call.createMachine, 0))
      defer { close(machine) }
      let memory = try map(memorySize, flags: MAP_PRIVATE | MAP_ANONYMOUS, of: -1)
      defer { munmap(memory.baseAddress, memory.count) }
      fill(memory)
      // Slot 0 without flags, at address 0.
      var region: [UInt64] = [0, 0, UInt64(memorySize), UInt64(UInt(bitPattern: memory.baseAddress))]
      try check("giving it memory", ioctl(machine, Call.setMemory, &region))
      let processor = try check("creating a processor", ioctl(machine, Call.createProcessor, 0))
      defer { close(processor) }
      try setRegisters(of: processor)
      let size = try check("asking for the size of its state", ioctl(device, Call.stateSize, 0))
      let state = try map(Int(size), flags: MAP_SHARED, of: processor)
      defer { munmap(state.baseAddress, state.count) }
      let result = TimeLimit.run(processor: KVMProbe.processorTime, wall: KVMProbe.wallTime) {
        ioctl(processor, Call.run, 0)
      }
      return result == 0 && state.loadUnaligned(fromByteOffset: 8, as: UInt32.self) == exitedForPort
    }

    @discardableResult
    private static func check(_ call: String, _ result: Int32) throws(FileError) -> Int32 {
      guard result >= 0 else { throw FileError(call, "KVM", Errno(rawValue: errno)) }
      return result
    }

    private static func map(
      _ size: Int, flags: Int32, of descriptor: Int32
    ) throws(FileError) -> UnsafeMutableRawBufferPointer {
      guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, flags, descriptor, 0), memory != MAP_FAILED
      else {
        throw FileError("mapping memory", "KVM", Errno(rawValue: errno))
      }
      return UnsafeMutableRawBufferPointer(start: memory, count: size)
    }

    /// Tables for one page of 2 MiB that is where it is, and the code.
    private static func fill(_ memory: UnsafeMutableRawBufferPointer) {
      for (offset, entry): (Int, UInt64) in [(0x1000, 0x2003), (0x2000, 0x3003), (0x3000, 0x83)] {
        memory.storeBytes(of: entry.littleEndian, toByteOffset: offset, as: UInt64.self)
      }
      var code: [UInt8] = [0xB9]  // mov ecx, rounds
      code.append(little: rounds)
      code += [0xFF, 0xC9, 0x75, 0xFC]  // dec ecx; jnz to it
      code += [0xB0, 0x42, 0xE6, 0xF4, 0xF4]  // mov al, 0x42; out 0xf4, al; hlt
      for (index, byte) in code.enumerated() { memory[codeAddress + index] = byte }
    }

    private static func setRegisters(of processor: Int32) throws(FileError) {
      var bytes = [UInt8](repeating: 0, count: 312)
      try check("reading its registers", ioctl(processor, Call.getSystemRegisters, &bytes))
      // Code, then the five segments of data, 24 bytes each: base, limit, selector, type, present, ring, 32 bit, ordinary, 64 bit, granular.
      for index in 0..<6 {
        let isCode = index == 0
        var segment: [UInt8] = []
        segment.append(little: UInt64(0))
        segment.append(little: UInt32.max)
        segment.append(little: UInt16(isCode ? 8 : 16))
        segment += [isCode ? 11 : 3, 1, 0, isCode ? 0 : 1, 1, isCode ? 1 : 0, 1, 0, 0, 0]
        bytes.replaceSubrange((24 * index)..<(24 * (index + 1)), with: segment)
      }
      // CR0, CR3, CR4 and EFER: protected mode with paging, the tables, PAE, and 64-bit mode.
      for (offset, value): (Int, UInt64) in [(224, 0x8005_0033), (240, 0x1000), (248, 0x20), (264, 0x500)] {
        var number: [UInt8] = []
        number.append(little: value)
        bytes.replaceSubrange(offset..<(offset + 8), with: number)
      }
      try check("setting its registers", ioctl(processor, Call.setSystemRegisters, &bytes))
      var registers = [UInt64](repeating: 0, count: 18)
      registers[16] = UInt64(codeAddress)  // RIP
      registers[17] = 2  // RFLAGS, whose bit 1 is always set
      try check("setting its registers", ioctl(processor, Call.setRegisters, &registers))
    }
  }
#endif
