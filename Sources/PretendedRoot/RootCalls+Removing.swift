import CTrace

/// Calls after which a file may be gone, and its number free for another one: unlink(2), rename(2). And link(2), which gives names.
extension RootCalls {
  func remove(_ context: Context, isAt: Bool) -> Step {
    if files.records.isEmpty { return .original }
    let place: Place =
      isAt
      ? .path(directory: context.first, path: context.second, flags: Place.noFollow) : .link(context.first)
    return query(context, place, or: { _ in .original }) { [self] status in
      guard files[status.file] != nil, isLastName(status) else { return .original }
      return forget(status.file, after: context.call)
    }
  }

  func rename(_ context: Context, _ name: SystemCallNumber) -> Step {
    /// `RENAME_EXCHANGE` removes nothing.
    let isExchange = name == .renameat2 && context.fifth & 2 != 0
    if files.records.isEmpty || isExchange { return .original }
    let (old, new): (Place, Place) =
      name == .rename
      ? (.link(context.first), .link(context.second))
      : (
        .path(directory: context.first, path: context.second, flags: Place.noFollow),
        .path(directory: context.third, path: context.fourth, flags: Place.noFollow)
      )
    return query(context, new, or: { _ in .original }) { [self] replaced in
      guard files[replaced.file] != nil, isLastName(replaced) else { return .original }
      // To rename a file to itself does nothing.
      return query(context, old, or: { _ in .original }) { [self] moved in
        moved.file == replaced.file ? .original : forget(replaced.file, after: context.call)
      }
    }
  }

  func link(_ context: Context, isAt: Bool) -> Step {
    guard files.hasNameless else { return .original }
    return .make(context.call) { [self] result in
      guard result == 0 else { return .answer(result) }
      let new: Place =
        isAt
        ? .path(directory: context.third, path: context.fourth, flags: Place.noFollow) : .link(context.second)
      return query(context, new, or: { _ in .answer(0) }) { [self] status in
        files.hasName(status.file)
        return .answer(0)
      }
    }
  }

  private func isLastName(_ status: KernelStatus) -> Bool {
    status.links <= 1 || status.mode & FileMode.type == FileMode.directory
  }

  private func forget(_ file: FileNumber, after call: trace_call) -> Step {
    .make(call) { [self] result in
      if result == 0 { files.forget(file) }
      return .answer(result)
    }
  }
}
