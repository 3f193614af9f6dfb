/** The path that the build serves the panel's module at. */
declare const PANEL: string;
