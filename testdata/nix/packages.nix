# A package set of a few programs, for tests of tools/nix: it has the attributes of nixpkgs that the manual's examples name.
#
# `staging` is what the script `stage` beside this file has made. The programs are this machine's; each is started through the C library of the store.
{ staging, system ? builtins.currentSystem }:

let
  inherit (builtins) concatStringsSep functionArgs head intersectAttrs isList listToAttrs;

  staged = name: builtins.path { inherit name; path = staging + "/${name}"; };
  busybox = staged "busybox";
  glibc = staged "glibc";

  make = name: attributes: script: derivation ({
    inherit name system;
    builder = "${busybox}/bin/sh";
    args = [ "-euc" script ];
    PATH = "${busybox}/bin";
  } // attributes);

  program = name: version: more:
    make "${name}-${version}"
      {
        source = staged name;
        libraries = staged "${name}-libraries";
        inherit glibc busybox;
      } ''
      mkdir -p $out/bin
      cp -r $source/libexec $out/
      chmod -R u+w $out
      for file in $out/libexec/*; do
        name=''${file##*/}
        printf '#!%s/bin/sh\nexec %s/lib/loader --argv0 "$0" --library-path %s/lib:%s/lib %s "$@"\n' \
          $busybox $glibc $glibc $libraries $file > $out/bin/$name
        chmod 755 $out/bin/$name
      done
      ${more}
    '';

  bash = program "bash" "5.2" "ln -s bash $out/bin/sh";
  coreutils = program "coreutils" "9.1" "";
  shadow = program "shadow" "4.13" "";
  libcap = program "libcap" "2.66" "";
  attr = program "attr" "2.5.1" "";
  nix = program "nix" "2.8" "for name in nix-store nix-daemon; do ln -s nix $out/bin/$name; done";

  # Of the machine's firmware it has what one with a kernel needs.
  qemu = program "qemu" "7.2" ''
    cp -r $source/share $out/
    printf '#!%s/bin/sh\nexport QEMU_MODULE_DIR=%s\nexec %s/lib/loader --argv0 "$0" --library-path %s/lib:%s/lib %s -L %s "$@"\n' \
      $busybox $out/share $glibc $glibc $libraries $out/libexec/qemu-system-x86_64 $out/share > $out/bin/qemu-system-x86_64
  '';
  # As nixpkgs has it, the modules are apart.
  linux = make "linux-6.1" { kernel = staged "kernel"; } "mkdir $out; cp $kernel/boot/vmlinuz-* $out/bzImage" // {
    modules = make "linux-6.1-modules" { kernel = staged "kernel"; } "mkdir $out; cp -r $kernel/lib $out/lib";
  };

  shellProgram = name: version: body:
    make "${name}-${version}" { inherit bash body; } ''
      mkdir -p $out/bin
      printf '#!%s/bin/bash\n%s\n' $bash "$body" > $out/bin/${name}
      chmod 755 $out/bin/${name}
    '';

  hello = make "hello-2.12.1" { inherit bash; } ''
    mkdir -p $out/bin $out/share/man/man1
    printf '#!%s/bin/bash\necho "Hello, world!"\n' $bash > $out/bin/hello
    chmod 755 $out/bin/hello
    echo '.TH HELLO 1' | gzip -n > $out/share/man/man1/hello.1.gz
  '' // { meta.mainProgram = "hello"; };
  cowsay = shellProgram "cowsay" "3.7" "echo \"< $* >\"";
  redis = make "redis-7.2" { inherit bash; } ''
    mkdir -p $out/bin
    printf '#!%s/bin/bash\necho "a server in $PWD"\n' $bash > $out/bin/redis-server
    chmod 755 $out/bin/redis-server
  '';
  # Nobody's certificate: tests look at where it is.
  cacert = make "nss-cacert" { } ''
    mkdir -p $out/etc/ssl/certs
    printf -- '-----BEGIN CERTIFICATE-----\nbm9ib2R5\n-----END CERTIFICATE-----\n' > $out/etc/ssl/certs/ca-bundle.crt
  '';

  # Links to what is in the directories of `pathsToLink`; one level is all that is needed here.
  buildEnv = { name, paths, pathsToLink ? [ "/" ] }:
    make name { inherit paths pathsToLink; } ''
      for path in $paths; do
        for directory in $pathsToLink; do
          mkdir -p $out$directory
          for file in $path$directory/*; do ln -s $file $out$directory/; done
        done
      done
    '';

  stdenv = rec {
    hostPlatform = { inherit system; };
    initialPath = [ coreutils bash busybox ];
    setup = make "stdenv" { inherit initialPath; text = builtins.readFile ./stdenv-setup.bash; } ''
      mkdir -p $out
      { echo "initialPath='$initialPath'"; echo "$text"; } > $out/setup
    '';
    mkDerivation = attributes:
      derivation
        ({
          inherit system;
          stdenv = setup;
          builder = "${bash}/bin/bash";
          args = [ "-ec" "source $stdenv/setup; genericBuild" ];
          nativeBuildInputs = [ ];
        } // attributes) // {
        overrideAttrs = change: mkDerivation (attributes // change ({ nativeBuildInputs = [ ]; } // attributes));
      };
  };

  # Something that is built, for images of build environments.
  helloPackage = stdenv.mkDerivation {
    name = "hello-2.12.1";
    greeting = "Hello, world!";
    notes = "several\nlines";
    passAsFile = [ "notes" ];
    outputs = [ "out" "doc" ];
    buildPhase = ''
      echo "building as $(id -u) in $PWD with $NIX_BUILD_CORES"
      printf '#!%s/bin/bash\necho "%s"\n' ${bash} "$greeting" > hello
      chmod 755 hello
    '';
    installPhase = ''
      mkdir -p $out/bin $doc
      cp hello $out/bin/
      cp $notesPath $doc/notes
    '';
  };

  lib = {
    getExe = package: "${package}/bin/${package.meta.mainProgram}";
  };

  packages = {
    inherit lib stdenv buildEnv system busybox glibc bash coreutils shadow libcap attr nix hello cowsay redis cacert helloPackage qemu linux;
    bashInteractive = bash;
    callPackage = function: more:
      let f = if builtins.isFunction function then function else import function; in
      f (intersectAttrs (functionArgs f) packages // more);
  };
in
packages
