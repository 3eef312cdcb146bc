// @ts-check
/**
 * The page of the token routes: reads their description from this server and shows it.
 */
import { byId, make, setWords } from '../dom.js';
import { setTheme, switchTheme } from '../theme.js';

/** @typedef {Record<string, any>} Part a part of the description */

/** @param {Part} description */
function render(description) {
  byId('version').textContent = `Version ${description.info.version}.`;
  const routes = byId('routes');
  for (const tag of description.tags) {
    routes.append(make('h2', {}, [tag.name]), make('p', { class: 'lead' }, words(tag.description)));
    for (const [path, item] of Object.entries(description.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (operation.tags.includes(tag.name)) routes.append(routeOf(method, path, operation));
      }
    }
  }
  const types = byId('types');
  for (const [name, schema] of Object.entries(description.components.schemas)) types.append(typeOf(name, schema));
}

/** @param {string} method @param {string} path @param {Part} operation */
function routeOf(method, path, operation) {
  const head = make('summary', {}, [make('b', { class: 'method' }, [method.toUpperCase()]), make('code', {}, [path]),
    make('span', {}, [operation.summary])]);
  const parts = [make('p', {}, words(operation.description ?? ''))];
  const parameters = (operation.parameters ?? []).map((/** @type {Part} */ one) => [
    make('code', {}, [one.name]), ...shortly(one.schema), ...words(one.description)]);
  if (parameters.length > 0) parts.push(make('h4', {}, ['Parameters']), tableOf(parameters));
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    parts.push(make('h4', {}, ['Body ', make('code', {}, [type])]), make('p', {}, shortly(content.schema)),
      make('pre', {}, [JSON.stringify(content.example, null, 2)]));
  }
  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const [[type, content]] = /** @type {[[string, Part]]} */ (Object.entries(answer.content));
    return [make('b', {}, [status]), ...shortly(content.schema), ...words(answer.description), make('small', {}, [type])];
  });
  parts.push(make('h4', {}, ['Answers']), tableOf(answers));
  return make('details', { class: 'route' }, [head, ...parts]);
}

/** @param {string} name @param {Part} schema */
function typeOf(name, schema) {
  const section = make('section', { class: 'route', id: `type-${name}` }, [make('h3', {}, [name]),
    make('p', {}, words(schema.description ?? ''))]);
  for (const one of schema.oneOf ?? [schema]) {
    if (one.title) section.append(make('h4', {}, [one.title]), make('p', {}, words(one.description ?? '')));
    if (one.properties) section.append(fieldsOf(one));
  }
  return section;
}

/** @param {Part} schema an object */
function fieldsOf(schema) {
  const rows = Object.entries(schema.properties).map(([name, field]) => {
    const required = schema.required?.includes(name) ? [make('small', {}, ['required'])] : [];
    const text = field.description ?? field.oneOf?.[0]?.description ?? '';
    return [make('code', {}, [name]), ...required, ...shortly(field), ...words(text)];
  });
  return tableOf(rows);
}

/** A row's first cell is its name; the rest goes into a second. @param {(Node | string)[][]} rows */
function tableOf(rows) {
  const lines = rows.map(([name, ...rest]) =>
    make('tr', {}, [make('th', { scope: 'row' }, name ? [name] : []), make('td', {}, rest)]));
  return make('table', {}, [make('tbody', {}, lines)]);
}

/** What a value is, in a few words. @param {Part} schema @returns {(Node | string)[]} */
function shortly(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    return [make('a', { href: `#type-${name}` }, [name]), ' '];
  }
  if (schema.oneOf) return schema.oneOf.filter((/** @type {Part} */ one) => one.type !== 'null').flatMap(shortly);
  if (schema.enum) return [make('i', {}, [schema.enum.join(' | ')]), ' '];
  const type = [schema.type].flat().filter((one) => one !== 'null').join(' | ');
  const range = schema.maximum === undefined ? '' : ` ${schema.minimum} to ${schema.maximum}`;
  const usual = schema.default === undefined ? '' : `, by default ${schema.default}`;
  return [make('i', {}, [`${type}${range}${usual}`]), ' ', ...(schema.items ? shortly(schema.items) : [])];
}

/** Text with code between backquotes. @param {string} text @returns {(Node | string)[]} */
function words(text) {
  return text.split('`').map((part, index) => (index % 2 === 1 ? make('code', {}, [part]) : part));
}

async function start() {
  try {
    const answer = await fetch('/v1/openapi.json');
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    render(await answer.json());
  } catch (error) {
    setWords(byId('problem'), `The description did not come (${error}). Load the page again.`);
  }
}

setTheme();
byId('theme').addEventListener('click', switchTheme);
start();
