import MachineProtocol
import SystemPackage

/// How QEMU is called: a machine without a network, with disks and ports that are descriptors, so that it needs no path (vm-executor.md, section 6).
struct QEMUArguments {
  /// A file that QEMU gets as a descriptor.
  struct Disk {
    /// The serial number, by which the guest knows it.
    var name: String
    var isReadOnly: Bool
    /// Its numbers in QEMU: one for reading, and one for both where it may be written to.
    var descriptors: [Int]
  }

  /// Whether the processor is used as it is, or emulated.
  var isKVM: Bool
  /// In MiB.
  var memory: Int
  /// Their numbers in QEMU.
  var kernel: Int
  var initialRamdisk: Int
  var disks: [Disk]
  /// The numbers of the sockets, by the names of the ports; the serial line's is the empty name.
  var ports: [(name: String, descriptor: Int)]

  /// `SWIFT_ROOT` since the runtime of the guest would otherwise ask `/proc` before it is there; `panic` and `oops` so that a mistake of the kernel's
  /// ends the machine.
  private static let kernelArguments = "console=ttyS0 quiet panic=-1 oops=panic reboot=t SWIFT_ROOT=/"

  /// The arguments behind the program's name.
  var list: [String] {
    let start = [
      "-name", "cooper", "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
      "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-M", "q35,usb=off,smbus=off", "-smp", "1", "-m", "\(memory)",
      "-kernel", "/proc/self/fd/\(kernel)", "-initrd", "/proc/self/fd/\(initialRamdisk)",
      "-append", Self.kernelArguments,
      "-device", "virtio-serial-pci", "-device", "pvpanic-pci", "-action", "panic=exit-failure",
    ]
    let processor =
      isKVM
      ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max"]
    return start + processor + disks.enumerated().flatMap { arguments($1, set: $0 + 1) }
      + ports.flatMap { arguments(port: $0.name, $0.descriptor) }
  }

  private func arguments(_ disk: Disk, set: Int) -> [String] {
    let use = disk.isReadOnly ? "readonly=on" : "cache=unsafe,discard=unmap"
    return disk.descriptors.flatMap { ["-add-fd", "fd=\($0),set=\(set)"] } + [
      "-drive", "if=none,id=\(disk.name),format=raw,file=/dev/fdset/\(set),aio=threads,\(use)",
      "-device", "virtio-blk-pci,drive=\(disk.name),serial=\(disk.name)",
    ]
  }

  private func arguments(port name: String, _ descriptor: Int) -> [String] {
    let id = "port\(descriptor)"
    return ["-chardev", "socket,id=\(id),fd=\(descriptor)"]
      + (name.isEmpty
        ? ["-serial", "chardev:\(id)"] : ["-device", "virtserialport,chardev=\(id),name=\(name)"])
  }
}
