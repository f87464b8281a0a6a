import CGuest
import Glibc

/// The serial line, for what the host cannot be told otherwise.
enum Console {
  /// Writes a line.
  static func say(_ text: String) {
    let line = Array("cooper-guest: \(text)\n".utf8)
    let console = open("/dev/console", O_WRONLY | O_NOCTTY)
    guard console >= 0 else { return }
    _ = write(console, line, line.count)
    close(console)
  }

  /// Ends the machine.
  static func powerOff() -> Never {
    guest_power_off()
    // The first program must not end while the machine is going down.
    while true { pause() }
  }
}
