import SystemPackage

/// What a machine is made of, and how long it may take.
struct MachineSetup: Sendable {
  var qemu: FilePath
  var isKVM: Bool
  /// In MiB.
  var memory: Int
  var kernel: FilePath
  var initialRamdisk: FilePath
  var disks: Machine.Disks
  var scratch: FilePath
  /// The size of the scratch disk in MiB.
  var diskSize: Int
  /// The tar of what was changed.
  var output: FilePath
  var limits = MachineLimits()
}

/// How long a machine may take, and how much it may give back.
public struct MachineLimits: Sendable, Hashable {
  /// Seconds until the guest works, under KVM.
  public var readyUnderKVM = 20
  /// Seconds until the guest works, under emulation, also of a machine that has much else to do.
  public var readyUnderEmulation = 120
  /// Seconds without a sign of life whenever the guest itself is at work.
  public var silence = 120
  /// Seconds to switch the machine off when everything is done.
  public var farewell = 30
  /// Bytes of the tar that comes back.
  public var outputByteCount: Int64 = 64 << 30

  /// The limits above.
  public init() {}
}
