# Images with the environment that a derivation is built in; a part of default.nix, which has what is handed in here.
{ streamLayeredImage, compressed, overridable, step, textFile, binSh, usrBinEnv, makeFakeNss, need, bashInteractive, cacert }:

let
  inherit (builtins)
    attrNames attrValues concatStringsSep elem filter isAttrs isBool isInt isList isString listToAttrs mapAttrs
    replaceStrings storeDir unsafeDiscardStringContext;

  quoted = text: "'" + replaceStrings [ "'" ] [ "'\\''" ] text + "'";

  # An attribute as Nix puts it into the environment of a build.
  variable = value:
    if isString value then value
    else if isList value then concatStringsSep " " (map variable value)
    else if isBool value then (if value then "1" else "")
    else if value == null then ""
    else if isAttrs value && value ? __toString then value.__toString value
    else if isAttrs value then "${value}"
    else if builtins.typeOf value == "path" then "${value}"
    else if isInt value then toString value
    else builtins.toJSON value;

  # The text of one build environment, and what goes with it into an image.
  environment = { drv, name, uid, gid, homeDirectory, shell, command, run }:
    let
      build = "/build";
      attributes = removeAttrs drv.drvAttrs [ "args" ];
      passedAsFile = attributes.passAsFile or [ ];
      outputs = drv.outputs or [ "out" ];

      # Everything but the outputs brings its context, and so its closure, into the image.
      ofAttributes = mapAttrs (_: variable)
        (removeAttrs attributes (passedAsFile ++ filter (output: attributes ? ${output}) outputs));
      ofFiles = listToAttrs (map
        (attribute: {
          name = "${attribute}Path";
          value = "${textFile "shell-passAsFile-${attribute}" (variable attributes.${attribute})}";
        })
        (filter (attribute: attributes ? ${attribute}) passedAsFile));
      ofOutputs = listToAttrs (map
        (output: { name = output; value = unsafeDiscardStringContext drv.${output}.outPath; })
        outputs);

      buildDerivation = step "text" "build-derivation" {
        text = ''
          #!${shell}
          exec ${concatStringsSep " " (map (word: quoted (variable word)) ([ drv.drvAttrs.builder ] ++ drv.drvAttrs.args or [ ]))}
        '';
        destination = "bin/buildDerivation";
        executable = true;
        preferLocalBuild = true;
      };
      staticPath = "${dirOf shell}:${buildDerivation}/bin";

      certificates = "${cacert}/etc/ssl/certs/ca-bundle.crt";
      first = (if cacert == null then { } else { SSL_CERT_FILE = certificates; NIX_SSL_CERT_FILE = certificates; }) // {
        PATH = staticPath;
        HOME = homeDirectory;
        NIX_STORE = storeDir;
        NIX_BUILD_CORES = "1";
      };
      last = {
        NIX_BUILD_TOP = build;
        TMPDIR = build;
        TEMPDIR = build;
        TMP = build;
        TEMP = build;
        PWD = build;
        TERM = "xterm-256color";
      };
      variables = first // ofAttributes // ofFiles // ofOutputs // last;

      rcfile = textFile "nix-shell-rc" ''
        unset PATH
        dontAddDisableDepTrack=1
        if [ -e "$stdenv/setup" ]; then source "$stdenv/setup"; fi
        PATH=${staticPath}''${PATH:+:$PATH}
        SHELL=${shell}
        BASH=${shell}
        set +e
        if [ -n "$PS1" ] && [ -z "$NIX_SHELL_PRESERVE_PROMPT" ]; then
          PS1='\n\[\033[1;32m\][nix-shell:\w]\$\[\033[0m\] '
        fi
        if [ "$(type -t runHook)" = function ]; then runHook shellHook; fi
        unset NIX_ENFORCE_PURITY
        shopt -u nullglob
        shopt -s execfail
        ${if command != null then "${command}\nexit" else if run != null then "${run}\nexit" else ""}
      '';

      directories = step "directories" "nix-shell-directories" {
        directories = [ "nix/store" "nix/var/nix" "etc/nix" "build" ];
        preferLocalBuild = true;
      };
      users = makeFakeNss {
        extraPasswdLines = [ "nixbld:x:${toString uid}:${toString gid}:Build user:${homeDirectory}:/noshell" ];
        extraGroupLines = [ "nixbld:!:${toString gid}:" ];
      };
    in
    if drv.drvAttrs.__structuredAttrs or false then
      throw "cooper: the build environment of ${drv.name}: it has structured attributes, which no environment variable can hold; use a derivation without __structuredAttrs"
    else if command != null && run != null then
      throw "cooper: the build environment of ${drv.name}: “command” is for an interactive shell and “run” for another one; give one of them"
    else {
      inherit name;
      contents = [ binSh usrBinEnv users directories ];
      permissions = map (path: { inherit path uid gid; }) [ "nix" "nix/**" "etc/nix" "build" ];
      config = {
        Cmd = if run == null then [ shell "--rcfile" "${rcfile}" ] else [ shell "${rcfile}" ];
        User = "${toString uid}:${toString gid}";
        WorkingDir = build;
        Env = attrValues (mapAttrs (name: value: "${name}=${value}") variables);
      };
    };

  streamNixShellImage = overridable (
    { drv
    , name ? drv.name + "-env"
    , tag ? null
    , uid ? 1000
    , gid ? 1000
    , homeDirectory ? "/build"
    , shell ? "${need bashInteractive "bashInteractive" "the build environment of ${drv.name}"}/bin/bash"
    , command ? null
    , run ? null
    }:
    streamLayeredImage (
      environment { inherit drv name uid gid homeDirectory shell command run; } // { inherit tag; }
    )
  );

  buildNixShellImage = { drv, compressor ? "gz", ... }@args:
    compressed "${drv.name}-env.tar" compressor (streamNixShellImage (removeAttrs args [ "compressor" ])) { buildArgs = args; } { };
in
{
  inherit streamNixShellImage;
  buildNixShellImage = overridable buildNixShellImage;
}
