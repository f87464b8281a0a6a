import CTrace
import Glibc

/// Hears of files that are written to (inotify(7)): then the kernel takes away what they may do for whoever runs them.
///
/// Where nothing more can be watched, nothing is heard.
final class ContentWatch {
  private let descriptor: Int32
  private var files: [Int32: FileNumber] = [:]

  init() { descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) }

  deinit { close(descriptor) }

  /// Watches a file of this machine, unless the path has become another one's.
  func add(path: String, _ file: FileNumber) {
    add(trace_watch(descriptor, path), file)
  }

  /// Watches what a thread has by that name.
  func add(_ name: RootCalls.Name, of tracee: Tracee, _ file: FileNumber) {
    let number = name.path.withUnsafeBytes { path in
      trace_watch_found(
        descriptor, tracee.number, name.directory, path.baseAddress?.assumingMemoryBound(to: CChar.self),
        name.follows ? 1 : 0)
    }
    add(number, file)
  }

  private func add(_ number: Int32, _ file: FileNumber) {
    if number >= 0 { files[number] = file }
  }

  /// The files that were written to since the last time.
  func written() -> [FileNumber] {
    if files.isEmpty { return [] }
    var found: [FileNumber] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
      // Events of files have no names.
      let size = MemoryLayout<inotify_event>.size
      buffer.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: count, by: size) {
          let event = bytes.loadUnaligned(fromByteOffset: start, as: inotify_event.self)
          if event.mask & UInt32(IN_MODIFY) != 0, let file = files[event.wd] { found.append(file) }
          if event.mask & UInt32(IN_IGNORED) != 0 { files[event.wd] = nil }
        }
      }
    }
    return found
  }
}

extension RootCalls {
  /// A file that was written to has no capabilities any more, and no set-id bits where the last to open it was not root; the rest stays.
  func noteWrites() {
    for file in watch.written() {
      guard var record = files[file] else { continue }
      record.attributes[FileAttribute.capability] = nil
      if writtenByOthers.contains(file) { record.loseSetID() }
      files[file] = record
    }
  }

  /// Listens for writes to a file.
  func watchContent(_ context: Context, _ place: Place, _ file: FileNumber) {
    if let name = name(place, of: context.tracee) { watch.add(name, of: context.tracee, file) }
  }

  /// Somebody opens a file to write to it, which only root can do without taking set-id bits away.
  func noteWriter(_ context: Context, _ place: Place) {
    let isRoot = context.tracee.credentials.has(.keepSetID)
    if isRoot && writtenByOthers.isEmpty { return }
    guard case .found(let status) = find(place, of: context.tracee) else { return }
    let known = KernelStatus(status)
    if isRoot {
      writtenByOthers.remove(known.file)
    } else if files.record(of: known).mode & (FileMode.setUser | FileMode.setGroup) != 0 {
      watchContent(context, place, known.file)
      writtenByOthers.insert(known.file)
    }
  }
}
