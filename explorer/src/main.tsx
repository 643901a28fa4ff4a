import "./style.css";
import { render } from "preact";
import { findSource } from "./source.ts";
import { Page } from "./page.tsx";

const root = document.getElementById("page");
if (root) {
  root.textContent = "";
  render(<Page source={findSource()} />, root);
}
