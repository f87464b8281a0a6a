import ArchiveIO
import ArgumentParser
import SystemPackage
import VirtualMachine

/// `cooper doctor`: what this machine can do.
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what this machine can do, and what each missing thing costs.",
    discussion: """
      What can be tried is tried: KVM gets a loop to run and, if that goes well, a machine is started; a user namespace is made; a process is traced.
      Nothing is changed, but what came of the machine is remembered. The last line says how scripts as root (runAsRoot) run when the executor is
      “auto”. The exit status is 0 whatever is missing.

      Examples:
        cooper doctor
        cooper doctor --json | jq '.findings[] | select(.state != "good")'
      """)

  @OptionGroup var store: StoreOptions

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() async throws {
    let environment = ProcessEnvironment.current
    let kvm = try await Thread.run { KVMProbe().run() }
    let examination = await Examination.run(environment, storeRoot: store.root, kvm: kvm)
    if json { try Console.output(examination.json) } else { try Console.output(examination.text) }
  }
}
